"""Builds the wheel of pure Python files, with nothing but the standard library: `pip install ./python` works offline (PEP 517)."""

import base64
import hashlib
import io
import pathlib
import re
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent


def _project(key):
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(rf'^{key} = "(.*)"$', text, re.MULTILINE).group(1)


NAME, VERSION = _project("name"), _project("version")
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: {_project("description")}
License: Apache-2.0
Requires-Python: {_project("requires-python")}
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: moesim\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
INFO = f"{NAME}-{VERSION}.dist-info"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest of a zip file: the same sources make the same wheel


def _files():
    return sorted(p for p in (HERE / NAME).iterdir() if p.suffix == ".py" or p.name == "py.typed")


def _write(wheel_directory, members):
    name = f"{NAME}-{VERSION}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in members:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(data)}\n")
            wheel.writestr(zipfile.ZipInfo(path, EPOCH), data)
        text = "".join(record) + f"{INFO}/RECORD,,\n"
        wheel.writestr(zipfile.ZipInfo(f"{INFO}/RECORD", EPOCH), text)
    return name


def _info():
    return [(f"{INFO}/METADATA", METADATA.encode()), (f"{INFO}/WHEEL", WHEEL.encode())]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, [(f"{NAME}/{p.name}", p.read_bytes()) for p in _files()] + _info())


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, [(f"{NAME}.pth", f"{HERE}\n".encode())] + _info())


def build_sdist(sdist_directory, config_settings=None):
    name = f"{NAME}-{VERSION}.tar.gz"
    folder = f"{NAME}-{VERSION}"
    with tarfile.open(pathlib.Path(sdist_directory) / name, "w:gz") as archive:
        archive.add(HERE / "pyproject.toml", f"{folder}/pyproject.toml")
        archive.add(pathlib.Path(__file__), f"{folder}/build_backend/backend.py")
        for path in _files():
            archive.add(path, f"{folder}/{NAME}/{path.name}")
        info = tarfile.TarInfo(f"{folder}/PKG-INFO")
        info.size = len(METADATA.encode())
        archive.addfile(info, io.BytesIO(METADATA.encode()))
    return name
