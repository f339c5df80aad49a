import Swiftlet
import SwiftletSimulation
import Testing

/// A value or an error that comes once.
@Suite struct PromiseTests {
    @Test(arguments: Ground.ofCoordination)
    func `all get the value, before and after it came`(ground: Ground) async throws {
        try await ground.run {
            let promise = Promise<String>()
            let tasks = try (0..<3).map { _ in try spawn { try await promise.value() } }
            try await settle()
            try #require(promise.result == nil)
            try #require(promise.fulfill("one"))
            // Once.
            try #require(!promise.fulfill("two"))
            try #require(!promise.fail(IOError(.read, .closed)))
            for task in tasks { try #require(try await task.value == "one") }
            try #require(try await promise.value(timeout: .zero) == "one")
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `all get the error`(ground: Ground) async throws {
        struct Broken: Error {}
        try await ground.run {
            let promise = Promise<String>()
            async let waiting = promise.value()
            try await settle()
            promise.fail(Broken())
            do {
                _ = try await waiting
                try #require(Bool(false))
            } catch is Broken {}
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task that gives up leaves the promise to the others`(ground: Ground) async throws {
        try await ground.run {
            let promise = Promise<Int>()
            let error = await ioError { try await promise.value(timeout: .zero) }
            try #require(error == failure(.wait, .timedOut))
            let task = try spawn { try await promise.value() }
            try await settle()
            task.cancel()
            try #require(await ioError { try await task.value } == failure(.wait, .cancelled))
            promise.fulfill(7)
            try #require(try await promise.value() == 7)
        }
    }

    @Test func `tasks of all kinds get the value of one of them`() async throws {
        let (promise, count) = (Promise<Int>(), Sum())
        try await onEveryKindOfTask(15) { number in
            if promise.fulfill(number) { count.add() }
            let value = try await promise.value()
            #expect(value < 15)
        }
        #expect(count[""] == 1)
    }
}
