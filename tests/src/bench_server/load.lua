-- What wrk sends: decisions of new visitors, each under a key of its own, or checks of subjects taken
-- at random from a file. `src/bench_server/load.rs` starts it and reads what `done` prints.
--
-- Arguments: decision SITE SEED DELAY ORIGIN, or check SITE SEED DELAY TOKEN FILE, or any PATH.
-- With a delay, each connection waits between 0 and twice so many milliseconds, at random, before it
-- sends the next request, so that they do not all come at once.

local ffi = require("ffi")
ffi.cdef("int gettimeofday(long *time, void *zone);")
-- Seconds, and microseconds.
local now = ffi.new("long[2]")

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

local kind, seed, mean, count = "", "", 0, 0
local heads, tails, prefix, suffix, subjects = {}, {}, "", "", {}

local function decisions(site, origin)
  local path = "/v1/sites/" .. site .. "/decisions"
  for i, choice in ipairs({ "granted", "refused" }) do
    local method = choice == "granted" and "accept_all" or "refuse_all"
    local body = string.format(
      '{"policy":1,"choices":{"analytics":"%s","communications":"%s","email.open_tracking":"%s"},'
        .. '"method":"%s","language":"en","layer":"first","signals":[]}',
      choice, choice, choice, method
    )
    local headers = {
      ["Accept-Language"] = "en-GB,en;q=0.9",
      ["Content-Type"] = "application/json",
      ["Idempotency-Key"] = "@KEY@",
      ["Origin"] = origin,
    }
    local text = wrk.format("POST", path, headers, body)
    local from, to = text:find("@KEY@", 1, true)
    heads[i], tails[i] = text:sub(1, from - 1), text:sub(to + 1)
  end
end

local function checks(site, token, file)
  for line in io.lines(file) do
    subjects[#subjects + 1] = line
  end
  local path = "/v1/sites/" .. site .. "/check?purpose=analytics&subject=@SUBJECT@"
  local text = wrk.format("GET", path, { ["Authorization"] = "Bearer " .. token })
  local from, to = text:find("@SUBJECT@", 1, true)
  prefix, suffix = text:sub(1, from - 1), text:sub(to + 1)
end

function init(args)
  kind, seed, mean = args[1], args[3], tonumber(args[4])
  math.randomseed(number * 7919 + tonumber(seed))
  if kind == "decision" then
    decisions(args[2], args[5])
  else
    checks(args[2], args[5], args[6])
  end
  if mean > 0 then
    function delay()
      return math.random() * 2 * mean + 0.5
    end
  end
end

-- As the widget makes them: tenths of a second in base 36, and what is no other's.
local function key()
  ffi.C.gettimeofday(now, nil)
  local tenths, time = tonumber(now[0]) * 10 + math.floor(tonumber(now[1]) / 100000), ""
  while tenths > 0 do
    local digit = tenths % 36 + 1
    time = ("0123456789abcdefghijklmnopqrstuvwxyz"):sub(digit, digit) .. time
    tenths = math.floor(tenths / 36)
  end
  return string.format("%s/%s-%d-%012d", time, seed, number, count)
end

function request()
  if kind == "decision" then
    count = count + 1
    local i = count % 2 + 1
    return heads[i] .. key() .. tails[i]
  end
  return prefix .. subjects[math.random(#subjects)] .. suffix
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "figures %d %d %d %d %d %d %d\n",
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max
  ))
end
