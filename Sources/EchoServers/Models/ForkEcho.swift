import Swiftlet
import Syscalls

/// The echo service with a process for each client: the parent accepts, its copies wait in recv(2).
///
///     parent ── fork ──► child: serves one client, leaves
///        ▲                 │ writes
///        └── reads when ── ▼ reaped ──   tallies [ child | child | free | … ]   shared memory
///
/// Each client's code is as simple as if there were no other, and one that crashes takes nobody
/// along. The price is a process for each, and a switch of address spaces for each message.
struct ForkEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        let ended = try attempt(.wait) { () throws(Errno) in
            try ForkedProcess.makeEndDescriptor()
        }
        var stop = try EchoStop(signals, drain: options.drain)
        var listener = try EchoListener(options)
        var children = try attempt(.wait) { () throws(Errno) in try ClientProcesses(options) }
        defer { children.end() }
        var waits = 0
        onReady(listener.address)
        while !stop.isOver(open: children.count) {
            waits += 1
            try attempt(.wait) { () throws(Errno) in
                try waitUntilReadable(
                    listener.watched, stop.raw, ended.raw, nanoseconds: stop.patience)
                _ = try SignalSet.take(from: ended.raw)
            }
            try stop.look()
            if stop.isDraining { listener.close() }
            children.reapEnded()
            try startProcesses(&children, for: &listener)
        }
        children.end()
        var counters = listener.counters
        counters.add(children.counters)
        counters.count("ppoll", waits)
        return counters
    }

    private func startProcesses(
        _ children: inout ClientProcesses, for listener: inout EchoListener
    ) throws(IOError) {
        while let client = try listener.accept() {
            let others = children.serving
            guard listener.admits(client, beside: others) else { continue }
            do throws(Errno) {
                try client.setBlocking()
                try children.start(for: client, closing: listener.raw)
                client.close()
                listener.countIn(open: others + 1)
            } catch {
                listener.refuse(client, because: "fork: \(error); see 'ulimit -u'")
            }
        }
    }
}
