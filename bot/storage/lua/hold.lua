-- KEYS holder, fence. ARGV random word, ms. The token, or false while somebody holds it.
-- The counter outlives every holder; the random word keeps tokens apart after an empty Redis.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return false
end
local token = redis.call('INCR', KEYS[2]) .. '-' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
