import Syscalls

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
    }
}
