import Syscalls
import Testing

@testable import Swiftlet

/// What a resolver does about the next name, decided without threads.
@Suite struct LookupTableTests {
    private let start = Instant(nanoseconds: 1_000)
    private let found: Result<[SocketAddress], NameFailure> =
        .success([SocketAddress(loopbackPort: 0)])

    private func table(threads: Int = 2, lookups: Int = 100, names: Int = 100) -> LookupTable<Int> {
        var limits = SystemResolver.Limits()
        (limits.threads, limits.lookups, limits.names) = (threads, lookups, names)
        return LookupTable(limits: limits)
    }

    @Test func `one lookup answers all that ask meanwhile`() {
        var table = table()
        #expect(table.ask("a", at: start, 1).startsThread)
        #expect(!table.ask("a", at: start, 2).startsThread)
        #expect(table.takeNext() == "a")
        #expect(!table.ask("a", at: start, 3).startsThread)

        #expect(table.finish("a", found, at: start).sorted() == [1, 2, 3])
        #expect(table.takeNext() == nil)
    }

    @Test func `there are at most so many threads, and they take what waits in order`() {
        var table = table(threads: 2)
        let starts = ["a", "b", "c", "d"].map { table.ask($0, at: start, 1).startsThread }

        #expect(starts == [true, true, false, false])
        #expect((0..<5).map { _ in table.takeNext() } == ["a", "b", "c", "d", nil])
        // One thread has ended, and another name starts it again.
        #expect(table.ask("e", at: start, 1).startsThread)
    }

    @Test func `a limit of no threads is one of one`() {
        var table = table(threads: 0)

        #expect(table.ask("a", at: start, 1).startsThread)
        #expect(!table.ask("b", at: start, 1).startsThread)
    }

    @Test func `an answer is used again for its time, and what is not there for less`() {
        var table = table()
        for name in ["there", "nowhere", "troubled"] { _ = table.ask(name, at: start, 1) }
        _ = table.finish("there", found, at: start)
        _ = table.finish("nowhere", .failure(.unknown), at: start)
        _ = table.finish("troubled", .failure(.noAnswer), at: start)
        func isKnown(_ name: String, after time: Duration) -> Bool {
            if case .answer = table.ask(name, at: start.advanced(by: time), 2) {
                true
            } else {
                false
            }
        }

        #expect(isKnown("there", after: .seconds(9)))
        #expect(isKnown("nowhere", after: .milliseconds(999)))
        #expect(!isKnown("troubled", after: .zero))
        #expect(!isKnown("nowhere", after: .seconds(1)))
        #expect(!isKnown("there", after: .seconds(10)))
    }

    @Test func `who leaves is not answered, and nothing is looked up for nobody`() {
        var table = table(threads: 1)
        let numbers = ["a", "b"].map { table.ask($0, at: start, 1).number }
        #expect(table.takeNext() == "a")

        #expect(table.leave("a", numbers[0]) == 1)
        #expect(table.leave("b", numbers[1]) == 1)
        #expect(table.leave("b", numbers[1]) == nil)
        #expect(table.finish("a", found, at: start) == [])
        #expect(table.takeNext() == nil)
    }

    @Test func `lookups and names are bounded`() {
        var table = table(threads: 1, lookups: 2, names: 2)
        for name in ["a", "b"] { _ = table.ask(name, at: start, 1) }
        guard case .answer(.failure(.tooMany)) = table.ask("c", at: start, 1) else {
            Issue.record("a third lookup was begun")
            return
        }
        // One more that asks for the same is none more.
        #expect(table.ask("b", at: start, 2).number != 0)
        for name in ["a", "b", "c"] { _ = table.finish(name, found, at: start) }
        let known = ["a", "b", "c"].filter {
            if case .answer(.success) = table.ask($0, at: start, 1) { true } else { false }
        }
        #expect(known.count <= 2)
    }

    @Test func `without a thread those that wait are told`() {
        var table = table(threads: 1)
        _ = table.ask("a", at: start, 1)
        _ = table.ask("b", at: start, 2)

        #expect(table.failThread().sorted() == [1, 2])
        #expect(table.ask("c", at: start, 3).startsThread)
    }
}

extension LookupTable.Step {
    fileprivate var startsThread: Bool {
        if case .wait(_, true) = self { true } else { false }
    }

    fileprivate var number: UInt64 {
        if case .wait(let number, _) = self { number } else { 0 }
    }
}
