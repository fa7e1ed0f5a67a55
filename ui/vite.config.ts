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
  },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
})
