-- SPDX-License-Identifier: MIT
--- What the public headers declare, as the compiler sees it: structs with their members' places, enumerators with their
-- numbers, functions.
local process = require "spec.support.process"

local layout = {}

local HEADERS = "#include <wms.h>\n#include <wms/memory.h>\n#include <wms/provider.h>\n"

local function compiled(folder, source, command)
   local temporary = process.run("mktemp -d"):match("%S+")
   local file = assert(io.open(temporary .. "/source.c", "w"))
   file:write(HEADERS, source)
   file:close()
   local output, code = process.run(("cd %s && I=%s && %s"):format(temporary, process.quote(folder), command))
   process.run("rm -r " .. temporary)
   assert(code == 0, output)
   return output
end

-- The last name of each declarator; of a pointer to a function, the one that stands in "(*name)".
local function members(body)
   local names = {}
   for declaration in body:gmatch("[^;]+") do
      local pointer = declaration:match("%(%s*%*%s*([%w_]+)%s*%)")
      if pointer then
         names[#names + 1] = pointer
      else
         for part in declaration:gmatch("[^,]+") do
            names[#names + 1] = part:gsub("%b[]", ""):match("([%w_]+)%s*$")
         end
      end
   end
   return names
end

--- The headers in `folder` (absolute): `structs`, name -> { size =, members = { name -> { offset =, size = } } };
-- `numbers`, enumerator -> number; `functions`, a list of names.
function layout.of(folder)
   local text = compiled(folder, "", 'cc -E -P -I"$I" source.c')
   local found = { structs = {}, numbers = {}, functions = {} }
   local print = {}
   for name, body in text:gmatch("struct%s+(wms_[%w_]+)%s*(%b{})") do
      found.structs[name] = { members = {} }
      print[#print + 1] = ('printf("struct %s %%zu\\n", sizeof(struct %s));'):format(name, name)
      for _, member in ipairs(members(body:sub(2, -2))) do
         print[#print + 1] = ('printf("member %s %s %%zu %%zu\\n", offsetof(struct %s, %s), '):format(name, member, name,
            member) .. ("sizeof(((struct %s *)0)->%s));"):format(name, member)
      end
   end
   for body in text:gmatch("enum%s*[%w_]*%s*(%b{})") do
      for name in body:gmatch("[{,]%s*(WMS_[%w_]+)") do
         print[#print + 1] = ('printf("number %s %%d\\n", (int) %s);'):format(name, name)
      end
   end
   for name in text:gmatch('visibility%("default"%)%)%)[^;{(]-([%w_]+)%s*%(') do
      found.functions[#found.functions + 1] = name
   end
   local output = compiled(folder, ("#include <stdio.h>\nint main(void)\n{\n%s\nreturn 0;\n}\n"):format(
      table.concat(print, "\n")), 'cc -I"$I" -o program source.c && ./program')
   for name, size in output:gmatch("struct (%S+) (%d+)\n") do
      found.structs[name].size = tonumber(size)
   end
   for name, member, offset, size in output:gmatch("member (%S+) (%S+) (%d+) (%d+)\n") do
      found.structs[name].members[member] = { offset = tonumber(offset), size = tonumber(size) }
   end
   for name, number in output:gmatch("number (%S+) (%-?%d+)\n") do
      found.numbers[name] = tonumber(number)
   end
   return found
end

return layout
