// Talks to an echo server that is somebody else's, over the runtime, and says what came back:
//
//     peer-program DRIVER ADDRESS [steps]
//
// With "steps" it waits for each piece, and leaves its half open: what ncat runs for a client loses
// its output when that ends its half, and blocks when it sends ahead.
//
// `Tests/peers.py` runs it.
import Swiftlet

/// Bytes in which every position can be told from those nearby.
let message = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }

/// Sends all, ends its half, and reads to the end: a server that echoes gives it back.
func talk(_ connection: Connection) async throws -> [UInt8] {
    let writing = try spawn {
        try await connection.write(message, timeout: .seconds(60))
        try await connection.closeWrite()
    }
    var answer: [UInt8] = []
    while let bytes = try await connection.read(timeout: .seconds(60)) { answer += Array(bytes) }
    try await writing.value
    return answer
}

/// Sends one piece after the other, each when the last one has come back.
func talkInSteps(_ connection: Connection) async throws -> [UInt8] {
    var answer: [UInt8] = []
    while answer.count < message.count {
        let piece = message[answer.count...].prefix(10_000)
        try await connection.write(piece, timeout: .seconds(60))
        answer += try await connection.read(exactly: piece.count, timeout: .seconds(60)) ?? []
    }
    return answer
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let driver = DriverKind(rawValue: arguments[1]) else {
    fatalError("usage: peer-program DRIVER ADDRESS [steps]")
}
let address = arguments[2]
let isInSteps = arguments.count > 3
try EventLoop.run(driver: driver) {
    let answer = try await Connection.connect(to: address, timeout: .seconds(60)) {
        try await isInSteps ? talkInSteps($0) : talk($0)
    }
    guard answer == message else {
        fatalError("of \(message.count) bytes \(answer.count) came back, or others")
    }
    print("\(answer.count) bytes came back")
}
