-- KEYS place. ARGV places a second, most. How many may go now: at most a second's worth has gathered, at least one.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local rate, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local gap = 1000000 / rate
local whole_second = math.max(rate, 1) * gap
-- The moment from which places are still to be had; every place taken moves it on by one gap.
local from = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - whole_second)
local count = math.min(most, math.floor((now - from) / gap + 0.000001))
if count > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', from + count * gap), 'PX', 60000)
end
return count
