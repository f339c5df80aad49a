import Syscalls

/// Connections that are open and say nothing: what they cost a server is memory, and for some
/// servers time.
///
/// The last one makes a single request, and its answer tells that the server has taken the others
/// too, since it takes them in order.
package struct SilentCrowd: ~Copyable {
    private var sockets: [RawDescriptor] = []

    /// Why there are fewer.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Opens that many connections, one after the other.
    package init(of count: Int, to address: SocketAddress, until deadline: Instant) throws(Failure)
    {
        sockets.reserveCapacity(count)
        for number in 1...max(1, count) {
            do throws(Errno) {
                sockets.append(try EchoProbe.connect(to: address, until: deadline))
            } catch {
                throw Failure(
                    description: "connection \(number) of \(count) did not open: \(error)")
            }
        }
        let outcome = sockets.last.map { EchoProbe.talk(on: $0, until: deadline) }
        guard outcome == .echoed else {
            guard case .wrong(let reason)? = outcome else { return }
            throw Failure(description: "the last of \(count) connections: \(reason)")
        }
    }

    /// Closes all of them, in order.
    package consuming func close() {}

    deinit { for socket in sockets { socket.close() } }
}
