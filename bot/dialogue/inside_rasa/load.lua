-- A conversation and one turn's answer, as they are at one moment.
-- KEYS: state hash, answers hash (one hash tag). ARGV: turn id. Returns answer, turns counted, model, events; false for none.
local state = redis.call('HMGET', KEYS[1], 'count', 'model', 'events')
return {redis.call('HGET', KEYS[2], ARGV[1]), state[1], state[2], state[3]}
