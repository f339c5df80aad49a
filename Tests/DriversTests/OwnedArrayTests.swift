import Drivers
import Testing

@Suite struct OwnedArrayTests {
    private final class Element {}

    @Test func `elements keep their places while it grows`() {
        var array = OwnedArray<Int>()
        for number in 0..<1_000 { array.append(number) }
        for index in array.indices { array[index] += 1 }

        let elements = array.indices.map { array[$0] }

        #expect(elements == Array(1...1_000))
    }

    @Test func `the last element comes out first, and then nothing`() {
        var array = OwnedArray<Int>()
        array.append(1)
        array.append(2)

        let taken = [array.popLast(), array.popLast(), array.popLast()]

        #expect(taken == [2, 1, nil])
    }

    @Test func `what it held goes with it, and what was taken out stays`() {
        weak var first: Element?
        weak var second: Element?
        var taken: Element?
        do {
            var array = OwnedArray<Element>()
            for _ in 0..<20 { array.append(Element()) }
            (first, second) = (array[0], array[19])
            taken = array.popLast()
            withExtendedLifetime(array.indices) {}
        }

        #expect(first == nil)
        #expect(second === taken && taken != nil)
    }
}
