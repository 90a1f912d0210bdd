-- All modules stay: love.js crashes without some of them.
function love.conf(t)
  t.window.width, t.window.height = 320, 240
end
