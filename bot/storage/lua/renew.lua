-- KEYS lane, due. ARGV lane, generation, fence, lease ms. {until, now}, or {} when the lease is lost.
local lane = redis.call('HMGET', KEYS[1], 'generation', 'fence')
if lane[1] ~= ARGV[2] or lane[2] ~= ARGV[3] then
  return {}
end
local now = now_ms()
local until_ms = now + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'until', whole(until_ms))
redis.call('ZADD', KEYS[2], whole(until_ms), ARGV[1])
return {until_ms, now}
