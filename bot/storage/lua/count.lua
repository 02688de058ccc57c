-- KEYS[1]: a counter. ARGV[1]: seconds its window lasts from the first count. Returns the count.
local n = redis.call('INCR', KEYS[1])
if n == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return n
