// The server that README.md shows, exactly as it stands there: an echo on port 7788 of this
// machine.
import Swiftlet

EventLoop.main(driver: .poll) {
    let server = StreamServer(listener: try await Listener.bind(to: "127.0.0.1:7788"))
    print("listening on \(server.address)")
    try await server.serve { connection in
        while let bytes = try await connection.read() {  // parks this task, never the thread
            try await connection.write(bytes)
        }
    }
}
