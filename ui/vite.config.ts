import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const inside = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '~': inside('./src') } },
  build: {
    // Into the package, so that the wheel holds it.
    outDir: inside('../packages/platform/src/gantry/api/pages/built'),
    emptyOutDir: true,
    manifest: true,
    // Styles and fonts as files: the content security policy allows nothing inline.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    // The first of each that know light-dark(); for older ones it would become variables that only
    // a style of ours could set, and the theme is Mantine's.
    rolldownOptions: {
      output: {
        // What several pages use comes in one piece: each request costs a page ten milliseconds, and
        // by itself the bundler makes one of every icon. What only two share burdens no others.
        codeSplitting: { groups: [{ name: 'shared', minShareCount: 3 }] },
      },
    },
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
  },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
})
