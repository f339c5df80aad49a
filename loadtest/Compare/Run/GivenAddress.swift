import Flags
import Generator
import Processes
import Syscalls

/// Where a server is told to listen that cannot choose an address itself.
///
///     over     in its command line                    it is looked for
///     tcp      {port}    15023                        at 127.0.0.1 and at [::1]
///     udp      {port}    15023                        at both, with datagrams
///     unix     {path}    /tmp/loadtest-12-3f2a.sock   there
///     any      {listen}  the address as `echo-server --listen` takes it
struct GivenAddress: Sendable, Equatable {
    let kind: SocketKind
    /// A server of this machine may listen at one of them only.
    let candidates: [SocketAddress]

    /// Below the ports that the kernel gives to connections: one of those could be taken by a
    /// client before the server has it.
    private static let ports: ClosedRange<UInt16> = 15_000...30_000

    /// A free one; nil when a hundred of them are taken.
    static func find(over transport: Transport) -> GivenAddress? {
        switch transport {
        case .tcp, .udp:
            for _ in 0..<100 {
                let place = GivenAddress(transport.socket, port: UInt16.random(in: ports))
                if place.candidates.allSatisfy(place.isFree) { return place }
            }
            return nil
        case .unix: return GivenAddress(number: UInt32.random(in: 0 ... .max))
        }
    }

    private init(_ kind: SocketKind, port: UInt16) {
        self.kind = kind
        // What is written here is an address.
        candidates =
            [SocketAddress(loopbackPort: port)]
            + [try? SocketAddress("[::1]:\(port)")].compactMap { $0 }
    }

    /// A path that nothing else has: the processes of this machine differ, and so do their numbers.
    private init(number: UInt32) {
        kind = .stream
        let path = "/tmp/loadtest-\(Machine.processNumber)-\(String(number, radix: 16)).sock"
        // As above.
        candidates = [try? SocketAddress.unix(path: path)].compactMap { $0 }
    }

    private func isFree(_ address: SocketAddress) -> Bool {
        do throws(Errno) {
            let socket = Descriptor(
                adopting: try RawDescriptor.socket(kind, family: address.family))
            try socket.raw.bind(to: address)
            return true
        } catch .addressInUse {
            return false
        } catch {
            // A machine without such addresses has no server there either.
            return true
        }
    }

    /// The placeholders by which a server can be told such an address.
    static func placeholders(over transport: Transport) -> [String] {
        switch transport {
        case .tcp, .udp: ["{port}", "{listen}"]
        case .unix: ["{path}", "{listen}"]
        }
    }

    /// A word of a command line with this address in the place of a placeholder.
    func fill(_ word: String) -> String {
        let address = candidates[0]
        return word.replacing("{listen}", with: "\(ServiceAddress(kind, address))")
            .replacing("{port}", with: "\(address.port)")
            .replacing("{path}", with: address.unixPath ?? "")
    }
}
