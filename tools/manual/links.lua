-- For pandoc: links to other chapters lead to their pages and show their titles, and "mb(1)" leads to the man page, if it is one
-- of ours.
local pages, titles = {}, {}
for name, title in string.gmatch(os.getenv("MANUAL_TITLES") or "", "(%S+) ([^\n]+)") do
  titles[name] = title
  pages[name] = not name:match("%.md$") and name .. ".html" or nil
end

function Link(link)
  local title = titles[link.target:gsub("#.*", "")]
  if title and pandoc.utils.stringify(link.content):match("^[%w_-]+%.md$") then
    link.content = { pandoc.Str(title) }
  end
  link.target = link.target:gsub("^([%w._-]+)%.md", "%1.html"):gsub("^%.%./README%.md", "index.html")
  return link
end

local function man_page(text)
  local before, name, section, after = text:match("^(.-)([%a][%w.-]*)%((%d)%)(.*)$")
  local page = name and pages[name .. "." .. section]
  if page then
    return { pandoc.Str(before), pandoc.Link(name .. "(" .. section .. ")", page), pandoc.Str(after) }
  end
end

local function linked(inlines)
  local result = pandoc.List()
  for _, inline in ipairs(inlines) do
    local found = inline.t == "Str" and man_page(inline.text)
    result:extend(found or { inline })
  end
  return result
end

-- Not in headings and links: a link in a link is none.
local function inside(block)
  block.content = linked(block.content)
  return block
end
Para, Plain = inside, inside

-- What is for the tests of the manual only.
function RawBlock(raw)
  if raw.text:match("^<!%-%-") then
    return {}
  end
end
