/* Jumps. */
int moe_jump(int value)
{
  if (value > 0)
    goto out;
  value = 1;
out:
  return value;
}
