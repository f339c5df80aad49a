/// The numbers of the things that fall to one of `count` sharers, out of `total`.
///
/// Remainders go to the first sharers, one each, so that the shares add up to `total` exactly.
package func share(of total: Int, for index: Int, among count: Int) -> Range<Int> {
    let least = total / count
    let remainder = total % count
    let start = index * least + min(index, remainder)
    return start..<start + least + (index < remainder ? 1 : 0)
}
