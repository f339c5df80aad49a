/// A whole number that is kept in four bytes: what a connection remembers should fit two lines of
/// the cache. Numbers beyond its range become the nearest one in it.
@propertyWrapper struct Compact {
    private var stored: Int32

    @inline(__always)
    init(wrappedValue: Int) { stored = Int32(clamping: wrappedValue) }

    var wrappedValue: Int {
        @inline(__always) get { Int(stored) }
        @inline(__always) set { stored = Int32(clamping: newValue) }
    }
}
