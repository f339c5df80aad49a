// The echo service over node: a socket that is piped into itself.
//
//     node node_echo.js PORT

const net = require("node:net");

const server = net.createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 1024 });
