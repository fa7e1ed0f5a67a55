/** The kit: the only door to Mantine. It knows neither the router nor the API. */

export {
  ActionIcon,
  Alert,
  Anchor,
  AppShell,
  Autocomplete,
  Badge,
  Box,
  Breadcrumbs,
  Burger,
  Button,
  Card,
  Checkbox,
  Code,
  Collapse,
  CopyButton,
  Divider,
  Fieldset,
  FileButton,
  FileInput,
  Grid,
  Group,
  Indicator,
  Kbd,
  List,
  Loader,
  Menu,
  Modal,
  MultiSelect,
  NumberInput,
  Radio,
  NavLink,
  Paper,
  PasswordInput,
  Popover,
  Progress,
  ScrollArea,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Stepper,
  Switch,
  Table,
  Tabs,
  TagsInput,
  Text,
  TextInput,
  Textarea,
  Timeline,
  Title,
  Tooltip,
  UnstyledButton,
  VisuallyHidden,
  useComputedColorScheme,
  useMantineColorScheme,
  type MantineColor,
} from '@mantine/core'
export { useDebouncedValue, useDisclosure, useHotkeys, useLocalStorage, useMediaQuery } from '@mantine/hooks'
export { Action } from './Action'
export { CheckLine, type Standing } from './CheckLine'
export { Confirm } from './Confirm'
export { ErrorCode, type Fault } from './ErrorCode'
export { DropFile } from './DropFile'
export { CopyBlock, CopyText } from './CopyText'
export { Facts } from './Facts'
export { Kit } from './Kit'
export { Labels } from './Labels'
export { CenteredLoader, Coming, Empty, Trouble } from './states'
export { MenuAction, MenuCheck } from './MenuAction'
export { tell, warn } from './notice'
export { announce } from './announce'
export { Took, When, useNow } from './When'
export { WizardStep } from './WizardStep'
export { Words } from './Words'
