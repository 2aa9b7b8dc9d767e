-- For wrk: requests from the file that MIRROR_BENCH_REQUESTS names, "PATH<tab>CLIENT" a line, each thread beginning elsewhere; at
-- the end the figures as one line of JSON.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local requests, position = {}, 0
function init(args)
  for line in io.lines(os.getenv("MIRROR_BENCH_REQUESTS")) do
    local path, client = line:match("([^\t]*)\t(.*)")
    requests[#requests + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: download.example.org\r\nX-Client: " .. client ..
      "\r\nUser-Agent: Debian APT-HTTP/1.3 (2.6.1)\r\nAccept: */*\r\n\r\n"
  end
  position = math.floor(#requests * number / 2)
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "us": %d, "p50_us": %d, "p99_us": %d, "errors": %d}\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
