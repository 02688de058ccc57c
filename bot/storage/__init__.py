"""Where live state is kept: Redis, and a memory twin proved equal to it by one suite of tests."""
