-- Append one turn: its events, the state they follow, and its whole answer; all of it or nothing.
-- KEYS: state hash, tail list, answers hash, turn ids list (one hash tag).
-- ARGV: events counted when loaded, events to drop from the tail's head, opening ('' keeps it), model,
--       turn id, answer, answers to keep, tracker's life (s), answers' life (s), events...
-- Returns 1, or 0 when somebody else has appended since.
local count = tonumber(redis.call('HGET', KEYS[1], 'count') or '0')
if count ~= tonumber(ARGV[1]) then
  return 0
end
local added = #ARGV - 9
for i = 10, #ARGV do
  redis.call('RPUSH', KEYS[2], ARGV[i])
end
local drop = tonumber(ARGV[2])
if drop > 0 then
  redis.call('LTRIM', KEYS[2], drop, -1)
end
redis.call('HSET', KEYS[1], 'count', count + added, 'model', ARGV[4])
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'opening', ARGV[3])
end
if redis.call('HSET', KEYS[3], ARGV[5], ARGV[6]) == 1 then
  redis.call('RPUSH', KEYS[4], ARGV[5])
end
while redis.call('LLEN', KEYS[4]) > tonumber(ARGV[7]) do
  redis.call('HDEL', KEYS[3], redis.call('LPOP', KEYS[4]))
end
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[8])
redis.call('EXPIRE', KEYS[3], ARGV[9])
redis.call('EXPIRE', KEYS[4], ARGV[9])
return 1
