// What every script here has in common. It is told in MINTMARK_CLIENT what it is,
// prints a line for each step that it has done, and asks whoever started it to be its
// user's browser: it prints "open ADDRESS" and reads the address at which the browser
// ended up. It prints "rotate" to have the server's keys turned, and reads a line.
import { createInterface } from 'node:readline'

export const given = JSON.parse(process.env.MINTMARK_CLIENT)

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export async function open(address) {
  console.log(`open ${address}`)
  const { value } = await answers.next()
  return new URL(value)
}

export async function rotate() {
  console.log('rotate')
  await answers.next()
}

export async function step(name, run) {
  await run()
  console.log(`done ${name}`)
}

export const end = () => process.stdin.destroy()
