import Syscalls

/// What serving clients has cost: the calls, made and counted in one place.
///
/// Plain numbers, so that it can lie in memory that two processes share.
struct EchoTally {
    private(set) var receives = 0
    private(set) var sends = 0
    private(set) var bytesRead = 0
    private(set) var bytesWritten = 0
    /// Connections that ended with an error.
    var errors = 0

    /// Receives what has come; 0 is the end of the stream (recv(2)).
    mutating func receive(
        from client: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        receives += 1
        let count = try client.receive(into: buffer)
        bytesRead += count
        return count
    }

    /// Sends what the kernel takes, and says how much that was (send(2)).
    mutating func send(_ bytes: UnsafeRawBufferPointer, to client: RawDescriptor) throws(Errno)
        -> Int
    {
        sends += 1
        let count = try client.send(bytes)
        bytesWritten += count
        return count
    }

    /// Adds what another one has counted.
    mutating func add(_ other: EchoTally) {
        receives += other.receives
        sends += other.sends
        bytesRead += other.bytesRead
        bytesWritten += other.bytesWritten
        errors += other.errors
    }

    /// The same as counters of a service.
    var counters: EchoCounters {
        var counters = EchoCounters()
        counters.handlerErrors = errors
        counters.bytesRead = bytesRead
        counters.bytesWritten = bytesWritten
        return counters.counting("recv", receives).counting("send", sends)
    }
}

/// Serves one client to its end with calls that wait: all that a model does for a client that has a
/// process or a thread to itself.
///
/// The socket stays open. The tally is kept up to date after every call, for it may lie in memory
/// that another process reads when this one was killed.
func echoToTheEnd(
    _ client: RawDescriptor, upper: Bool, counting tally: UnsafeMutablePointer<EchoTally>
) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer { buffer.deallocate() }
    do throws(Errno) {
        while true {
            let count = try tally.pointee.receive(from: client, into: buffer)
            if count == 0 { return }
            let message = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            if upper { message.makeUpperCase() }
            var rest = UnsafeRawBufferPointer(message)
            while !rest.isEmpty {
                let sent = try tally.pointee.send(rest, to: client)
                rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
            }
        }
    } catch {
        tally.pointee.errors += 1
        // An end in order would say that this was all.
        try? client.resetOnClose()
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Makes the small letters of ASCII capitals, for `--upper`.
    func makeUpperCase() {
        for index in indices
        where self[index] >= UInt8(ascii: "a") && self[index] <= UInt8(ascii: "z") {
            self[index] &= 0xDF
        }
    }
}
