-- KEYS lane, inbox, items, due, tries. ARGV lane, target, then the ids that were carried.
-- 1 moved; 0 when something came or changed meanwhile: carry again.
local lane = redis.call('HMGET', KEYS[1], 'forward', 'settled', 'until')
if lane[1] ~= ARGV[2] or lane[2] or held(lane[3], now_ms()) then
  return 0
end
local ids = redis.call('LRANGE', KEYS[2], 0, -1)
if #ids ~= #ARGV - 2 then
  return 0
end
for i, id in ipairs(ids) do
  if id ~= ARGV[i + 2] then
    return 0
  end
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'settled', '1')
-- The token goes too: a paused worker's commit of what has travelled would be work done twice.
redis.call('HDEL', KEYS[1], 'generation', 'fence', 'until', 'knocked', 'holder')
clear_tries(KEYS[1], KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
