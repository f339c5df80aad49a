import Synchronization

/// A value that several threads use, one at a time: a `Mutex` that the thread sanitizer can see.
///
/// The library behind `Mutex` is not built for the sanitizer, which then takes every guarded access
/// for a race. So each holder also passes an atomic on to the next: it orders what the lock orders
/// already, costs two plain moves, and leaves the sanitizer nothing to be told about.
package struct Guarded<Value: ~Copyable>: ~Copyable {
    private let mutex: Mutex<Value>
    private let baton = Atomic<Bool>(false)

    /// Takes the value over; from now on it is reached by `withLock` alone.
    package init(_ value: consuming sending Value) { mutex = Mutex(value) }

    /// Waits until no other thread holds the value, and lends it to `body`.
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock { value throws(Failure) in
            _ = baton.load(ordering: .acquiring)
            defer { baton.store(true, ordering: .releasing) }
            return try body(&value)
        }
    }
}

extension Guarded: Sendable where Value: ~Copyable {}
