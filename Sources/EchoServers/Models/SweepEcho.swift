import Swiftlet
import Syscalls

/// The echo service as a sweep: non-blocking sockets, tried one after the other, again and again.
///
/// It never asks which socket is ready, so it tries all of them. A pass costs a call for each
/// client whether it has said something or not, and an idle server is never at rest: it pauses for
/// a millisecond when nothing has moved, and that is what every message then waits for.
enum SweepEcho: EchoService {
    static let ownCall = "recv"
    static let story =
        "Tries every socket in turn without asking which is ready, and pauses shortly when "
        + "nothing moved. When all clients talk, hardly a try is in vain. When none does, it "
        + "burns CPU for nothing, and a message waits for the pause to end."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        try serve(in: SweepLoop.self, options, stoppedBy: signals, onReady: onReady)
    }
}

private struct SweepLoop: EchoLoop, ~Copyable {
    /// Nanoseconds without a try after a pass that has moved nothing.
    private static let pause: Int64 = 1_000_000

    private var room: EchoRoom
    private var sockets: [RawDescriptor] = []
    private var pauses = 0

    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        room = try EchoRoom(options, stoppedBy: signals)
    }

    var addresses: [ServiceAddress] { room.listener.addresses }
    var isOver: Bool { room.isOver }
    var counters: EchoCounters { room.counters.counting("nanosleep", pauses) }

    mutating func turn() throws(IOError) {
        try room.takeSignals()
        var hasMoved = false
        for listening in room.listener.sockets {
            while let client = try room.accept(from: listening) {
                sockets.append(client)
                hasMoved = true
            }
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
        if hasMoved { return }
        pauses += 1
        RunningThread.pause(nanoseconds: SweepLoop.pause)
    }
}
