/// What is runnable, in the order in which it became so.
///
///     waiting   [ item item item … ]     what came since the batch was taken
///     batch     [ item item … ]          what runs now, in memory that the next batch uses again
///
/// Two arrays that change places: taking a batch takes all that waits, and what becomes runnable
/// meanwhile waits for the next one. Nothing is allocated once both are as long as a batch gets.
struct RunQueue<Item> {
    private var waiting: [Item] = []

    /// How many wait.
    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    /// All that wait, in their order.
    var all: [Item] { waiting }

    /// Puts an item at the end.
    mutating func enqueue(_ item: Item) { waiting.append(item) }

    /// Takes everything that waits, and leaves the memory of `batch` to what comes.
    mutating func takeAll(into batch: inout [Item]) {
        batch.removeAll(keepingCapacity: true)
        swap(&waiting, &batch)
    }

    /// Puts back the end of a batch, from an index on, before what waits.
    mutating func putBack(from start: Int, of batch: inout [Item]) {
        waiting.insert(contentsOf: batch[start...], at: 0)
        batch.removeSubrange(start...)
    }
}
