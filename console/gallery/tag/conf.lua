function love.conf(t)
  t.identity = "luasocket-web-tag"
  t.window.title = "Tag"
  t.window.width, t.window.height = 640, 400
end
