import {
  createTheme,
  Modal,
  ModalHeader,
  Notification,
  SegmentedControl,
  TableScrollContainer,
  type MantineColorsTuple,
} from '@mantine/core'

// A calm blue-green. White on shade 6 has a contrast above 4.5 in both themes, and so has shade 4 as
// text on the dark page.
const GANTRY: MantineColorsTuple = [
  '#e8f6f8',
  '#d2eaee',
  '#a6d5dd',
  '#76bfcb',
  '#50adbc',
  '#2f97a9',
  '#0f7285',
  '#0b6475',
  '#085564',
  '#034652',
]

export const theme = createTheme({
  primaryColor: 'gantry',
  primaryShade: 6,
  autoContrast: true,
  colors: { gantry: GANTRY },
  defaultRadius: 'sm',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.15rem' } } },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    // It is a <header>, and outside of the page's parts that would be the banner of the page.
    ModalHeader: ModalHeader.extend({ defaultProps: { role: 'presentation' } }),
    // Whoever has no mouse scrolls with the arrows, and has to get there first.
    TableScrollContainer: TableScrollContainer.extend({ defaultProps: { tabIndex: 0 } }),
    // Whoever hears a button without a name does not know what it closes.
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
    // A colour on its way from one theme to the other has no contrast.
    SegmentedControl: SegmentedControl.extend({ defaultProps: { transitionDuration: 0 } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Put this notice away' } } }),
  },
})
