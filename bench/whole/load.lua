-- A load for the interpreter: SCALE (percent) is set by the line before this one.
-- Prints sums alone: nothing that hangs on addresses, hash seeds or the clock.

local function random(seed)
	local x = seed
	return function(n)
		x = (x * 1103515245 + 12345) % 2147483648
		return (x >> 8) % n
	end
end

local function scaled(n)
	return math.max(1, n * SCALE // 100)
end

-- Many small tables that live and die together.
local function tree(depth)
	if depth == 0 then
		return {}
	end
	return { tree(depth - 1), tree(depth - 1) }
end

local function count(t)
	return t[1] and 1 + count(t[1]) + count(t[2]) or 1
end

local nodes = 0
local kept = tree(13)
for _ = 1, scaled(20) do
	nodes = nodes + count(tree(12))
end
print("trees", nodes, count(kept))

-- Strings of many lengths, and tables that grow.
local r = random(7)
local words, parts = {}, {}
for i = 1, scaled(100000) do
	local w = string.format("%x-%d", r(4096), r(100))
	words[w] = (words[w] or 0) + 1
	parts[i] = w
end
local text = table.concat(parts, " ")
local letters, most = 0, 0
for w in text:gmatch("%S+") do
	letters = letters + #w
	most = math.max(most, words[w])
end
print("words", #text, letters, most)

-- A store of records that are replaced at random: old ones die among young ones.
local slots = {}
local sum = 0
for i = 1, scaled(100000) do
	local k = r(5000)
	local old = slots[k]
	if old then
		sum = (sum + old.id + #old.name + #old.list) % 1000003
	end
	slots[k] = { id = i, name = string.rep("n", r(200)), list = { i, i + 1, r(9) } }
end
print("store", sum)

-- Closures and coroutines.
local made = 0
for i = 1, scaled(20000) do
	local co = coroutine.wrap(function(a)
		local b = coroutine.yield(a + 1)
		return a + b
	end)
	made = (made + co(i) + co(3)) % 1000003
end
print("coroutines", made)

-- Sorting by a function, and strings that are taken apart again.
local list = {}
for i = 1, scaled(60000) do
	list[i] = r(1 << 20)
end
table.sort(list, function(a, b) return a > b end)
print("sorted", list[1], list[#list], table.concat(list, ","):len())
