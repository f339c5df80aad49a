import Swiftlet
import Syscalls

/// The echo service as a sweep: non-blocking sockets, tried one after the other, again and again.
///
/// Nobody tells it who is ready, so it asks everybody. A pass costs a call for each client whether
/// it has said something or not, and an idle server is never at rest: it pauses for a millisecond
/// when nothing has moved, and that is what every message then waits for.
struct SweepEcho: EchoService {
    private static let pause: Int64 = 1_000_000

    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        var room = try EchoRoom(options, stoppedBy: signals)
        var sockets: [RawDescriptor] = []
        var pauses = 0
        onReady(room.listener.address)
        while !room.isOver {
            try room.lookForSignals()
            var hasMoved = false
            while let client = try room.letIn() {
                sockets.append(client)
                hasMoved = true
            }
            // Backwards, so that the one that takes the place of an ended one was tried already.
            for index in sockets.indices.reversed() {
                switch room.clients.step(sockets[index]) {
                case .moved: hasMoved = true
                case .dry, .full: break
                case .ended:
                    sockets.swapAt(index, sockets.count - 1)
                    sockets.removeLast()
                }
            }
            if !hasMoved {
                pauses += 1
                RunningThread.pause(nanoseconds: SweepEcho.pause)
            }
        }
        var counters = room.counters
        counters.count("nanosleep", pauses)
        return counters
    }
}
