-- Nobody to talk to.
return function()
  for _ = 1, 10 do frame() end
  say("plays")
end
