// The server that README.md shows, exactly as it stands there: an echo on port 7788 of this
// machine.
import Swiftlet

try EventLoop.run(driver: .poll) {
    try await TCPServer.serve(on: "127.0.0.1:7788") { connection in
        while let bytes = try await connection.read() {  // parks this task, never the thread
            try await connection.write(bytes)
        }
    }
}
