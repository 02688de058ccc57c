-- KEYS minutes. ARGV amount, limit or "". {1, spent} or {0, seconds until the oldest minute is an hour old}.
-- Whole minutes, and one more than sixty: any 60 minutes stay under the limit.
local minute = math.floor(tonumber(redis.call('TIME')[1]) / 60)
local amount = tonumber(ARGV[1])
local all = redis.call('HGETALL', KEYS[1])
local spent, oldest = 0, minute
for i = 1, #all, 2 do
  local at = tonumber(all[i])
  if at < minute - 60 then
    redis.call('HDEL', KEYS[1], all[i])
  else
    spent = spent + tonumber(all[i + 1])
    oldest = math.min(oldest, at)
  end
end
if ARGV[2] ~= '' and amount > 0 and spent + amount > tonumber(ARGV[2]) then
  return {0, (oldest + 61 - minute) * 60}
end
if amount > 0 then
  redis.call('HINCRBY', KEYS[1], minute, amount)
  redis.call('EXPIRE', KEYS[1], 7200)
end
return {1, spent + amount}
