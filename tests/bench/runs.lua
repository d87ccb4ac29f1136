-- One kind of request of a client that runs flows, for wrk; told what by environment variables.
local kind = os.getenv("BENCH_KIND")
local place = os.getenv("BENCH_PLACE")
local key = os.getenv("BENCH_KEY") or ""

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if key ~= "" then wrk.headers["Authorization"] = "Bearer " .. key end

local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local body = kind ~= "state" and read(os.getenv("BENCH_BODY")) or nil
local ids = {}
if kind == "state" then
    for id in read(os.getenv("BENCH_BODY")):gmatch("[%x-]+") do ids[#ids + 1] = id end
end
local paths = { create = "/flow_runs/", filter = "/flow_runs/filter", logs = "/logs/" }
local at = 0

request = function()
    if kind ~= "state" then return wrk.format("POST", place .. paths[kind], nil, body) end
    at = at + 1
    local id = ids[(at - 1) % #ids + 1]
    local state = math.floor((at - 1) / #ids) % 2 == 0 and "RUNNING" or "PENDING"
    local wish = string.format('{"state":{"type":"%s","state_details":{}},"force":true}', state)
    return wrk.format("POST", place .. "/flow_runs/" .. id .. "/set_state", nil, wish)
end

done = function(summary, latency)
    local bad = summary.errors.status + summary.errors.connect + summary.errors.read
        + summary.errors.write + summary.errors.timeout
    print(string.format("RESULT %.1f %d %.2f %.2f", summary.requests / (summary.duration / 1e6), bad,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
