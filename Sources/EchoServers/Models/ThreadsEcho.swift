import Swiftlet
import Syscalls

/// The echo service with a thread for each client: one accepts, the others wait in recv(2).
///
/// Each client's code is as simple as if there were no other. The price is a stack for each, and a
/// switch of threads for each message. The main thread starts threads, and joins them when they say
/// that they have ended.
struct ThreadsEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        var stop = try EchoStop(signals, drain: options.drain)
        var listener = try EchoListener(options)
        let threads = try attempt(.wait) { () throws(Errno) in try ClientThreads() }
        defer { threads.end() }
        var waits = 0
        onReady(listener.address)
        while !stop.isOver(open: threads.count) {
            waits += 1
            try attempt(.wait) { () throws(Errno) in
                try waitUntilReadable(
                    listener.watched, stop.raw, threads.ended.raw, nanoseconds: stop.patience)
            }
            try stop.look()
            if stop.isDraining { listener.close() }
            threads.joinEnded()
            try startThreads(threads, for: &listener)
        }
        threads.end()
        var counters = listener.counters
        counters.add(threads.counters)
        counters.count("ppoll", waits)
        return counters
    }

    private func startThreads(
        _ threads: ClientThreads, for listener: inout EchoListener
    ) throws(IOError) {
        while let client = try listener.accept() {
            let others = threads.count
            guard listener.admits(client, beside: others) else { continue }
            do throws(Errno) {
                try client.setBlocking()
                try threads.start(for: client, upper: options.upper)
                listener.countIn(open: others + 1)
            } catch {
                listener.refuse(client, because: "pthread_create: \(error); see 'ulimit -u'")
            }
        }
    }
}
