/**
 * How high each row is, and so where each begins: sums of parts (a Fenwick tree), so that one row
 * can change, and the row at a place be found, in a few steps among millions.
 */
export class Heights {
  private sums = new Float64Array(1024)
  private rows = new Float32Array(1024)
  private count = 0

  get length(): number {
    return this.count
  }

  /** The height of all rows. */
  get total(): number {
    return this.offsetOf(this.count)
  }

  /** The height of one. */
  of(index: number): number {
    return index < this.count ? (this.rows[index] ?? 0) : 0
  }

  /** One more at the end. */
  push(height: number): void {
    if (this.count + 1 >= this.sums.length) this.grow()
    const node = this.count + 1
    this.rows[this.count] = height
    // A node sums the rows since the one that its lowest bit takes away.
    this.sums[node] = height + this.offsetOf(this.count) - this.offsetOf(node - (node & -node))
    this.count += 1
  }

  /** Another height for one. */
  set(index: number, height: number): void {
    const more = height - this.of(index)
    if (more === 0 || index >= this.count) return
    this.rows[index] = height
    for (let node = index + 1; node <= this.count; node += node & -node) {
      this.sums[node] = (this.sums[node] ?? 0) + more
    }
  }

  /** Where the row begins. */
  offsetOf(index: number): number {
    let sum = 0
    for (let node = Math.min(index, this.count); node > 0; node -= node & -node) {
      sum += this.sums[node] ?? 0
    }
    return sum
  }

  /** The row that covers this place; rows without height cover none. */
  at(place: number): number {
    let found = 0
    let rest = Math.max(0, place)
    for (let step = highestBit(this.count); step > 0; step >>>= 1) {
      const next = found + step
      const sum = next <= this.count ? (this.sums[next] ?? 0) : Infinity
      if (sum <= rest) {
        found = next
        rest -= sum
      }
    }
    return Math.min(found, Math.max(0, this.count - 1))
  }

  private grow(): void {
    const [sums, rows] = [this.sums, this.rows]
    this.sums = new Float64Array(sums.length * 2)
    this.sums.set(sums)
    this.rows = new Float32Array(rows.length * 2)
    this.rows.set(rows)
  }
}

function highestBit(number: number): number {
  return number === 0 ? 0 : 2 ** Math.floor(Math.log2(number))
}
