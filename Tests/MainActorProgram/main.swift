// Small programs in a module whose code is the main actor's unless it says otherwise, as new
// packages are set up (SE-0466). Each runs a loop on the main thread, needs the main actor inside,
// and prints a line when all went well; the argument says which. MainActorTests runs them.
import Glibc
import Swiftlet

/// What the main actor alone may touch.
final class Counter {
    private(set) var value = 0
    func increment() { value += 1 }
}

let counter = Counter()

/// A handler of the main actor's.
func shout(_ connection: Connection) async throws {
    while let line = try await connection.readLine() {
        counter.increment()
        try await connection.write(line.uppercased() + "\n")
    }
}

func serveAndAsk() async throws -> String? {
    let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
    let server = StreamServer(listener: listener)
    let serving = try spawn { try await server.serve(handler: shout) }
    let answer = try await Connection.connect(to: server.address) { connection in
        try await connection.write("hello\n")
        counter.increment()
        return try await connection.readLine()
    }
    server.stop()
    try await serving.value
    return answer
}

/// What each program does inside of the loop; it prints the lines.
let programs: [String: @Sendable () async throws -> Void] = [
    "serve": {
        let answer = try await serveAndAsk()
        print(answer ?? "no answer", await counter.value)
    },
    "hop": {
        for _ in 0..<3 { await MainActor.run { counter.increment() } }
        print("hopped", await counter.value)
    },
    "time": {
        do {
            try await withTimeout(.milliseconds(1)) {
                await MainActor.run { counter.increment() }
                try await sleep(for: .seconds(3600))
            }
        } catch {
            print("timed out", await counter.value)
        }
    },
    "later": {
        // Still to be run when the body has returned.
        try spawn {
            try? await sleep(for: .seconds(3600))
            await MainActor.run { counter.increment() }
            print("ended", await counter.value)
        }
    },
]

// What hangs is killed by SIGALRM.
alarm(60)
let name = CommandLine.arguments.dropFirst().first ?? ""
if name == "announce" {
    EventLoop.main {
        print("listening")
        _ = readLine()
    }
}
try EventLoop.run { try await programs[name]?() }
