// Waiting for one datagram among many.

import Swiftlet

extension DatagramSocket {
    /// Waits for a datagram until an instant; nil when none has come.
    ///
    /// An instant, and no time: what waits for one datagram among many begins to wait again with
    /// each that is not it, and would wait for ever with a new time for each.
    func receive(until deadline: ContinuousClock.Instant) async throws -> Datagram? {
        let left = ContinuousClock.now.duration(to: deadline)
        if left <= .zero { return nil }
        do {
            return try await receive(timeout: left)
        } catch IOError.timedOut {
            return nil
        }
    }
}
