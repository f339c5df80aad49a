import Compare
import Testing

@testable import loadtest

/// What `compare` is told of the servers that this program has.
@Suite struct BundledServerTests {
    @Test(arguments: [
        ("coroutine", "epoll", ["recv": 9, "epoll_wait": 3]),
        ("coroutine", "select", ["recv": 9, "select": 3]),
        ("coroutine", "io_uring", ["recv": 9, "io_uring_enter": 3]),
        ("epoll-et", "epoll-et", ["recv": 9, "epoll_wait": 3, "epoll_ctl": 4]),
        ("poll", "poll", ["recv": 9, "poll": 3]),
        ("io_uring", "io_uring", ["io_uring_enter": 3]),
        ("fork", "fork", ["recv": 9, "fork": 1, "ppoll": 2]),
        ("threads", "threads", ["recv": 9, "pthread_create": 1]),
        ("iterative", "iterative", ["recv": 9, "ppoll": 4]),
        ("sweep", "sweep", ["recv": 9, "nanosleep": 4]),
    ])
    func `a model is what its calls say it is`(
        model: String, driver: String, calls: [String: Int]
    ) throws {
        #expect(try mechanism(model, driver).objection(to: calls) == nil)
    }

    @Test(arguments: [
        ("coroutine", "epoll", ["poll": 3], "it never called epoll_wait; it counted poll"),
        ("coroutine", "epoll", ["epoll_wait": 3, "poll": 1], "it also called poll"),
        ("io_uring", "io_uring", ["recv": 3], "it never called io_uring_enter"),
        ("threads", "threads", ["pthread_create": 3, "fork": 1], "it also called fork"),
        ("sweep", "sweep", ["recv": 3, "select": 1, "poll": 2], "it also called poll, select"),
        ("fork", "fork", [:], "it never called fork"),
    ])
    func `a model that does as others do is not what it says`(
        model: String, driver: String, calls: [String: Int], objection: String
    ) throws {
        #expect(try mechanism(model, driver).objection(to: calls) == objection)
    }

    @Test func `each server has a shape, a mechanism and a story`() {
        let bundled = CompareCommand.bundled

        #expect(Set(bundled.map(\.name)).count == bundled.count)
        #expect(bundled.allSatisfy { $0.mechanism != nil })
        #expect(bundled.allSatisfy { $0.story?.text.isEmpty == false })
        #expect(
            bundled.filter { $0.shape != .together }.map(\.name) == [
                "iterative", "fork", "threads",
            ])
    }

    private func mechanism(_ model: String, _ driver: String) throws -> Mechanism {
        let contender = CompareCommand.bundled.first {
            $0.origin == .bundled(model: model, driver: driver)
        }
        return try #require(contender?.mechanism)
    }
}
