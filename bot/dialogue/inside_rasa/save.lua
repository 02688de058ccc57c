-- Save one turn: the conversation as it now is, and the turn's whole answer; both or neither.
-- KEYS: state hash, answers hash, turn ids list (one hash tag).
-- ARGV: turns counted when loaded, model, events, turn id, answer, answers to keep, state's life (s), answers' life (s).
-- Returns 1, or 0 when somebody else has saved a turn since.
local count = tonumber(redis.call('HGET', KEYS[1], 'count') or '0')
if count ~= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'count', count + 1, 'model', ARGV[2], 'events', ARGV[3])
if redis.call('HSET', KEYS[2], ARGV[4], ARGV[5]) == 1 then
  redis.call('RPUSH', KEYS[3], ARGV[4])
end
while redis.call('LLEN', KEYS[3]) > tonumber(ARGV[6]) do
  redis.call('HDEL', KEYS[2], redis.call('LPOP', KEYS[3]))
end
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('EXPIRE', KEYS[2], ARGV[8])
redis.call('EXPIRE', KEYS[3], ARGV[8])
return 1
