"""The JSON door of libmoesim by ctypes: one request in, one answer out, the GIL released meanwhile."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import pathlib
import threading
from typing import Any, Callable, Dict, Iterator, Optional


class MoesimError(Exception):
    """The library has no answer. `message` says what is wrong and what was expected; `file`, `line` and `column` (from 1) where, None
    where that is unknown; `kind` is "input", "layout", "io", "stopped" or "internal"; `key` the change that is to blame, where known."""

    def __init__(self, error: Dict[str, Any]) -> None:
        self.message: str = error.get("message", "")
        self.file: Optional[str] = error.get("file")
        self.line: Optional[int] = error.get("line")
        self.column: Optional[int] = error.get("column")
        self.kind: str = error.get("kind", "internal")
        self.key: Optional[str] = error.get("key")
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        super().__init__(f"{place}: {self.message}" if place else self.message)


class InputError(MoesimError, ValueError):
    """Something that was said is wrong."""


class LayoutError(InputError):
    """A parallelism layout that cannot exist."""


class Stopped(MoesimError):
    """The budget ended, or somebody asked for the end."""


_ERRORS = {"input": InputError, "layout": LayoutError, "stopped": Stopped}


class _Options(ctypes.Structure):
    """MoeDoorOptions of moesim/door.h."""

    _fields_ = [
        ("data_dir", ctypes.c_char_p),
        ("confined", ctypes.c_int),
        ("cancel", ctypes.c_void_p),
        ("budget_s", ctypes.c_double),
        ("jobs", ctypes.c_uint),
        ("progress", ctypes.CFUNCTYPE(None, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p)),
        ("progress_data", ctypes.c_void_p),
    ]


def _candidates() -> Iterator[str]:
    chosen = os.environ.get("MOESIM_LIBRARY")
    if chosen:
        yield chosen
        return
    for folder in pathlib.Path(__file__).resolve().parents:
        yield str(folder / "libmoesim.so")
        yield str(folder / "build" / "libmoesim.so")
        yield str(folder / "lib" / "libmoesim.so")
        yield from map(str, folder.glob("lib/*-linux-*/libmoesim.so"))
    found = ctypes.util.find_library("moesim")
    if found:
        yield found


def _load() -> ctypes.CDLL:
    for path in _candidates():
        if os.sep in path and not os.path.exists(path):
            continue
        library = ctypes.CDLL(path)
        library.moe_answer_json.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(_Options)]
        library.moe_answer_json.restype = ctypes.c_void_p  # a char * would be copied and lost
        library.moe_text_free.argtypes = [ctypes.c_void_p]
        library.moe_version.restype = ctypes.c_char_p
        library.moe_cancel_new.restype = ctypes.c_void_p
        library.moe_cancel_set.argtypes = [ctypes.c_void_p]
        library.moe_cancel_free.argtypes = [ctypes.c_void_p]
        return library
    raise ImportError("no libmoesim.so: build and install moesim, or say its path in MOESIM_LIBRARY")


_lock = threading.Lock()
_library: Optional[ctypes.CDLL] = None


def library() -> ctypes.CDLL:
    """The library, loaded at the first question."""
    global _library
    with _lock:
        if _library is None:
            _library = _load()
        return _library


def version() -> str:
    return library().moe_version().decode()


def _call(lib: ctypes.CDLL, question: bytes, request: bytes, options: _Options) -> str:
    text = lib.moe_answer_json(question, request, ctypes.byref(options))
    try:
        return ctypes.string_at(text).decode("utf-8")
    finally:
        lib.moe_text_free(text)


def _attended(lib: ctypes.CDLL, call: Callable[[], str], cancel: int) -> str:
    """`call` on another thread, so that Ctrl-C reaches this one and ends the work instead of waiting for it."""
    answer: list = []
    worker = threading.Thread(target=lambda: answer.append(call()), daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(0.1)
    except BaseException:
        lib.moe_cancel_set(cancel)
        worker.join()
        raise
    return answer[0]


def ask(question: str, request: Dict[str, Any]) -> Any:
    """Sends a request (docs/door.md) and returns the answer as Python values. Raises MoesimError."""
    lib = library()
    said = {key: value for key, value in request.items() if value is not None}
    body = json.dumps(said, ensure_ascii=False, allow_nan=False, default=os.fspath).encode("utf-8")
    cancel = lib.moe_cancel_new()
    options = _Options(cancel=cancel)

    def call() -> str:
        return _call(lib, question.encode(), body, options)

    try:
        attended = threading.current_thread() is threading.main_thread()
        answer = json.loads(_attended(lib, call, cancel) if attended else call())
    finally:
        lib.moe_cancel_free(cancel)
    if isinstance(answer, dict) and set(answer) == {"error"}:
        error = answer["error"]
        raise _ERRORS.get(error.get("kind"), MoesimError)(error)
    return answer
