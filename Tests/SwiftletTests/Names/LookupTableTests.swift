import Syscalls
import Testing

@testable import Swiftlet

/// What a resolver does about the next name, decided without threads.
@Suite struct LookupTableTests {
    private let start = Instant(nanoseconds: 1_000)
    private let found: Result<[SocketAddress], NameFailure> =
        .success([SocketAddress(loopbackPort: 0)])

    private func table(lookups: Int = 100, names: Int = 100) -> LookupTable<Int> {
        var limits = SystemResolver.Limits()
        (limits.lookups, limits.names) = (lookups, names)
        return LookupTable(limits: limits)
    }

    @Test func `one lookup answers all that ask meanwhile`() {
        var table = table()
        #expect(table.ask("a", at: start, 1).begins)
        #expect(!table.ask("a", at: start, 2).begins)
        table.begin("a", .init(number: 1))
        #expect(!table.ask("a", at: start, 3).begins)

        #expect(table.finish("a", found, at: start).sorted() == [1, 2, 3])
        #expect(table.ask("b", at: start, 4).begins)
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
        var table = table()
        let first = table.ask("a", at: start, 1).begins ? table.lastWaiter : 0
        table.begin("a", .init(number: 7))
        _ = table.ask("a", at: start, 2)
        let second = table.lastWaiter

        #expect(table.leave("a", first) == 1)
        #expect(table.unwanted("a") == nil)
        #expect(table.leave("a", second) == 2)
        #expect(table.leave("a", second) == nil)
        #expect(table.unwanted("a") == .init(number: 7))
        // A thread has it: who asks now waits for the same.
        #expect(!table.ask("a", at: start, 3).begins)
        #expect(table.finish("a", found, at: start) == [3])
        #expect(table.unwanted("a") == nil)
    }

    @Test func `a lookup that is dropped begins anew`() {
        var table = table()
        _ = table.ask("a", at: start, 1)

        table.drop("a")

        #expect(table.ask("a", at: start, 2).begins)
        #expect(table.finish("a", found, at: start) == [2])
    }

    @Test func `lookups and names are bounded`() {
        var table = table(lookups: 2, names: 2)
        for name in ["a", "b"] { _ = table.ask(name, at: start, 1) }
        guard case .answer(.failure(.tooMany)) = table.ask("c", at: start, 1) else {
            Issue.record("a third lookup was begun")
            return
        }
        // One more that asks for the same is none more.
        if case .answer = table.ask("b", at: start, 2) { Issue.record("b was not waited for") }
        for name in ["a", "b", "c"] { _ = table.finish(name, found, at: start) }
        let known = ["a", "b", "c"].filter {
            if case .answer(.success) = table.ask($0, at: start, 1) { true } else { false }
        }
        #expect(known.count <= 2)
    }
}

extension LookupTable.Step {
    fileprivate var begins: Bool {
        if case .begin = self { true } else { false }
    }
}
