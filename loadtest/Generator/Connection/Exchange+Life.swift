import Drivers
import Statistics
import Syscalls

// The life of connections: when one has done its part, how it is closed, and what comes after it.
//
//     connecting → up ── quota used, answers there ──→ closed   fin, rst
//                   │                            └──→ closing → closed   half, server
//                   └── lost ──→ closed, and after a pause that doubles: opened again, if the plan
//                                says so
//
// Where each request opens a connection of its own, the quota of a connection is one, and what
// waits at a connection that is not there yet is what it is opened for.
extension Exchange {
    /// The pause before a connection that failed is opened again, and the longest, in nanoseconds.
    private static let shortestPause: Int64 = 1_000_000
    private static let longestPause: Int64 = 1_000_000_000

    /// Requests that a connection may take.
    var quota: Int { plan.connectsPerRequest ? 1 : plan.requestsPerConnection ?? .max }

    // Closing in order.

    /// Closes a connection that may take no more, if it has all its answers.
    mutating func closeIfDone(_ index: Int) -> Bool {
        let connection = table.connections + index
        guard connection.pointee.openRequests == 0, connection.pointee.waitingRequests == 0
        else { return false }
        closeInOrder(index, by: plan.close)
        return true
    }

    /// Closes a connection without open requests in one of the ways.
    mutating func closeInOrder(_ index: Int, by close: LoadPlan.Close) {
        guard readStray(on: index) else { return }
        let now = Instant.now.nanoseconds
        switch close {
        case .fin: return closeFinished(index, at: now)
        case .rst:
            resetOnClose(index)
            return closeFinished(index, at: now)
        case .server: break
        case .half:
            do throws(Errno) {
                try table.connections[index].descriptor.closeWrite()
            } catch {
                note(.close, error.name, on: index)
                return closeFinished(index, at: now)
            }
        }
        table.markClosing(index, since: now)
        watch(index, isSending: false)
    }

    /// Reads once from a connection that nothing is due on; returns whether it is there still.
    @discardableResult
    mutating func readStray(on index: Int) -> Bool {
        do throws(Errno) {
            let count = try table.connections[index].descriptor.receive(into: buffer)
            if count > 0, isVerifying {
                let now = Instant.now.nanoseconds
                corruption(on: index, matching: 0, received: count, at: now)
                return false
            }
            tally.totals.bytes.surplus += count
            if count > 0 { return true }
        } catch .wouldBlock {
            return true
        } catch {
            note(.close, error.name, on: index)
        }
        closeFinished(index, at: Instant.now.nanoseconds)
        return false
    }

    mutating func resetOnClose(_ index: Int) {
        // A socket that does not take the option is closed in order instead.
        try? table.connections[index].descriptor.resetOnClose()
    }

    /// Has the connections closed that are older than the plan allows, when they have their
    /// answers.
    mutating func retireAged(at now: Instant) {
        guard let lifetime = plan.lifetime, mayReopen else { return }
        let latest = now.advanced(byNanoseconds: -lifetime.wholeNanoseconds).nanoseconds
        for index in 0..<table.count where table.connections[index].state == .up {
            guard table.connections[index].since <= latest else { continue }
            table.connections[index].quota = 0
            _ = closeIfDone(index)
        }
    }

    /// At the end, ends writing on every connection that owes nothing, where the server is to
    /// answer that with its own end.
    mutating func beginClosing() {
        isEnding = true
        mayReopen = false
        guard plan.close == .half else { return }
        for index in 0..<table.count
        where table.connections[index].state == .up && table.connections[index].openRequests == 0 {
            closeInOrder(index, by: .half)
        }
    }

    // What comes after.

    /// Closes a connection that has done its part.
    mutating func closeFinished(_ index: Int, at now: Int64) {
        table.connections[index].failures = 0
        table.close(index)
        if opensForRequests(index) {
            offerForRequest(index, at: now)
        } else if mayReopen {
            vacancies.add(index, due: now)
        }
    }

    /// Closes a connection that was given up.
    mutating func closeLost(_ index: Int, at now: Int64) {
        // One that has worked is no sign that the next one will not.
        if table.connections[index].received > 0 { table.connections[index].failures = 0 }
        table.close(index)
        reopenLater(index, at: now)
    }

    /// Takes note that a connection could not be opened again.
    mutating func noteFailedReopening(of index: Int, at now: Int64) {
        if table.connections[index].waitingRequests > 0 { requestsOpening -= 1 }
        dropWaiting(of: index, at: now)
        reopenLater(index, at: now)
    }

    private mutating func reopenLater(_ index: Int, at now: Int64) {
        guard mayReopen || opensForRequests(index) && !isEnding else { return }
        let failures = table.connections[index].failures
        table.connections[index].failures = min(failures + 1, 10)
        let pause = min(Exchange.longestPause, Exchange.shortestPause << Int64(failures))
        vacancies.add(index, due: now + pause)
    }

    /// Whether a connection that is due to be opened again still is to be.
    mutating func prepareReopening(of index: Int, at now: Int64) -> Bool {
        guard table.connections[index].state == .closed else { return false }
        guard opensForRequests(index) else { return mayReopen }
        if table.connections[index].waitingRequests > 0 { return true }
        offerForRequest(index, at: now)
        return false
    }

    /// Takes a connection as up again, and lets it do what it was opened for.
    mutating func useReopened(_ index: Int) {
        if table.connections[index].waitingRequests > 0 { requestsOpening -= 1 }
        tally.totals.connects.reopened += 1
        if index < table.loadedCount { send(on: index) }
    }

    // Opening for each request.

    private func opensForRequests(_ index: Int) -> Bool {
        plan.connectsPerRequest && index < table.loadedCount
    }

    /// Lets a connection that is not open have the next request, or wait for one.
    mutating func offerForRequest(_ index: Int, at now: Int64) {
        if isOpenLoop { return table.offer(index) }
        guard maySend, now < sendUntil, index < activeCount,
            table.connections[index].waitingRequests == 0
        else { return }
        if requestsLeft == 0 { takeRequests() }
        guard requestsLeft > 0 else { return }
        requestsLeft -= 1
        table.connections[index].plan(at: now)
        openForRequest(index, at: now)
    }

    /// Has a connection opened for the request that waits there.
    mutating func openForRequest(_ index: Int, at now: Int64) {
        requestsOpening += 1
        vacancies.add(index, due: now)
    }

    /// Closes the connections that only showed that the target is there: none is used for a
    /// request that is to open its own.
    mutating func closeForRequests() {
        // The server has no request by which to know that it is to close.
        let close = plan.close == .server ? .fin : plan.close
        for index in 0..<table.loadedCount where table.connections[index].state == .up {
            closeInOrder(index, by: close)
        }
    }
}
