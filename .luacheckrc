std = "max" -- every Lua from 5.1 on
max_line_length = 124
exclude_files = { "build" }
files["spec/**/*_spec.lua"].std = "+busted"
files["spec/contract.lua"].std = "+busted"
files["spec/pack/deb.lua"].std = "+busted" -- of `make deb`, not of `make test`
files["spec/support/*.lua"].std = "+busted"
files["examples/programs/nginx/*.lua"].globals = { "ngx" }
files["examples/programs/haproxy/*.lua"].globals = { "core" }
files["examples/programs/weechat/*.lua"].globals = { "weechat" }
files["examples/programs/neovim/*.lua"].globals = { "vim" }
files["examples/programs/prosody/*.lua"].globals = { "module", "Component", "VirtualHost", "rooms_teachers" }
files["examples/programs/knot/*.lua"].globals = { "http" }
files["examples/programs/rspamd/*.lua"].globals = { "rspamd_config" }
files[".busted"].std = "max"
files["lua/wms/types.lua"] = { ignore = { "212", "241", "631" } } -- declarations for editors: nothing in them is used
files["lua/wms/multipoint/types.lua"] = { ignore = { "212", "241", "631" } }
