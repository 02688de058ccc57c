-- Put before every lane script. Times are milliseconds of this server's clock; a worker's clock decides nothing.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function whole(ms)
  return string.format('%.0f', ms)
end

-- True while somebody holds the lane. An expired lease holds nothing, but its token still fits until the next take.
local function held(until_ms, now)
  return until_ms and tonumber(until_ms) > now
end

-- Bring the lane's due time forward to `at`, and wake a worker when that makes it due.
local function bring_forward(due_key, lane, at, now, channel, partition)
  local score = redis.call('ZSCORE', due_key, lane)
  if score and tonumber(score) <= at then
    return
  end
  redis.call('ZADD', due_key, whole(at), lane)
  if at <= now then
    redis.call('PUBLISH', channel, partition)
  end
end

-- Record an id. False when it was seen within `keep` ms. Old ids go out a bounded number at a time.
local function remember(seen_key, id, now, keep)
  local cutoff = now - keep
  local old = redis.call('ZRANGEBYSCORE', seen_key, '-inf', whole(cutoff), 'LIMIT', 0, 64)
  if #old > 0 then
    redis.call('ZREM', seen_key, unpack(old))
  end
  local at = redis.call('ZSCORE', seen_key, id)
  if at and tonumber(at) > cutoff then
    return false
  end
  redis.call('ZADD', seen_key, whole(now), id)
  redis.call('PEXPIRE', seen_key, whole(keep))
  return true
end

-- Append an item unless it was seen here or still waits here.
local function append(inbox_key, items_key, seen_key, id, payload, now, keep)
  if not remember(seen_key, id, now, keep) then
    return false
  end
  if redis.call('HSETNX', items_key, id, payload) == 0 then
    return false
  end
  redis.call('RPUSH', inbox_key, id)
  return true
end

-- After an append: due now, or as soon as the present holder lets go.
local function knock(lane_key, due_key, lane, until_ms, now, channel, partition)
  if held(until_ms, now) then
    redis.call('HSET', lane_key, 'knocked', '1')
  else
    bring_forward(due_key, lane, now, now, channel, partition)
  end
end

-- All was done, or nobody is to blame: the next take is a first attempt again.
local function clear_tries(lane_key, tries_key, lane)
  redis.call('HDEL', tries_key, lane)
  redis.call('HDEL', lane_key, 'failure')
end

-- End the lease and set the next due time: `at`, or never when it is nil.
local function let_go(lane_key, due_key, lane, at, now, channel, partition)
  redis.call('HDEL', lane_key, 'generation', 'fence', 'until', 'knocked', 'holder')
  if not at then
    redis.call('ZREM', due_key, lane)
    return
  end
  redis.call('ZADD', due_key, whole(at), lane)
  if at <= now then
    redis.call('PUBLISH', channel, partition)
  end
end
